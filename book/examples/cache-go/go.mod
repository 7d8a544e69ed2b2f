module example.com/dew

go 1.27
