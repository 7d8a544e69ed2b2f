package main

import (
	"fmt"
	"net/http"
	"time"
)

// health asks the well in this container how it is. An error makes the program
// end with 1, and that is how an engine learns of it.
func health(port string) error {
	client := &http.Client{Timeout: 2 * time.Second}
	response, err := client.Get("http://127.0.0.1:" + port + "/healthz")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the well answers %s", response.Status)
	}
	fmt.Println("well")
	return nil
}
