// Dew says at which temperature dew falls: dew TEMPERATURE HUMIDITY
package main

import (
	"fmt"
	"math"
	"os"
	"strconv"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "dew: temperature in °C, humidity in %")
		os.Exit(1)
	}
	temperature, err := strconv.ParseFloat(os.Args[1], 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "dew:", err)
		os.Exit(1)
	}
	humidity, err := strconv.ParseFloat(os.Args[2], 64)
	if err != nil {
		fmt.Fprintln(os.Stderr, "dew:", err)
		os.Exit(1)
	}
	fmt.Printf("dew falls at %.1f °C\n", dewPoint(temperature, humidity))
}

// dewPoint is Magnus's formula.
func dewPoint(temperature, humidity float64) float64 {
	const a, b = 17.62, 243.12
	gamma := math.Log(humidity/100) + a*temperature/(b+temperature)
	return b * gamma / (a - gamma)
}
