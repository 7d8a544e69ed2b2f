// Abacus adds up.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	sum := 0
	for _, word := range os.Args[1:] {
		beads, err := strconv.Atoi(word)
		if err != nil {
			fmt.Fprintf(os.Stderr, "abacus: %q is not a number of beads\n", word)
			os.Exit(2)
		}
		sum += beads
	}
	fmt.Printf("that makes %d beads\n", sum)
}
