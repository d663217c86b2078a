#!/bin/sh
# Stand-in for the vendor's script of this name: it only removes the mark that it shares with the nodeworx stand-in.
rm -f /var/lib/interworx-stand-in/remote-assistance
echo "Support access disabled (stand-in)."
