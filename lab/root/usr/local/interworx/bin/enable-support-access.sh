#!/bin/sh
# Stand-in for the vendor's script of this name: it only sets the mark that the nodeworx stand-in reads.
mkdir -p /var/lib/interworx-stand-in
echo on >/var/lib/interworx-stand-in/remote-assistance
echo "Support access enabled (stand-in)."
