// Gatekeeper lets in who lives in the toy castle's own network.
package main

import (
	"fmt"
	"net"
	"os"
)

// castle is every address that begins with 10.
var castle = net.IPNet{IP: net.IPv4(10, 0, 0, 0), Mask: net.CIDRMask(8, 32)}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gatekeeper ADDRESS")
		os.Exit(2)
	}
	address := net.ParseIP(os.Args[1])
	switch {
	case address == nil:
		fmt.Fprintf(os.Stderr, "gatekeeper: %q is not an address\n", os.Args[1])
		os.Exit(2)
	case castle.Contains(address):
		fmt.Printf("%s may come in\n", address)
	default:
		fmt.Printf("%s has to wait outside\n", address)
	}
}
