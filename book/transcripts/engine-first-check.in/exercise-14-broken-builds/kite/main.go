// Kite knows how long the tail of a kite has to be.
package main

import (
	"fmt"
	"os"
	"strconv"
)

// tailFor follows the old rule: six times the height, or the kite turns over.
func tailFor(height int) int {
	return 6 * height
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: kite HEIGHT-IN-CENTIMETRES")
		os.Exit(2)
	}
	height, err := strconv.Atoi(os.Args[1])
	if err != nil || height <= 0 {
		fmt.Fprintf(os.Stderr, "kite: %q is not the height of a kite\n", os.Args[1])
		os.Exit(2)
	}
	fmt.Printf("a kite of %d cm wants a tail of %d cm\n", height, tailFor(height))
}
