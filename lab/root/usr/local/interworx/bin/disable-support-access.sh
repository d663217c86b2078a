#!/bin/sh
# Stand-in for the vendor's script of this name: it only removes the mark that the nodeworx stand-in reads.
rm -f /var/lib/interworx-stand-in/remote-assistance
echo "Support access disabled (stand-in)."
