module example.com/tidydesk

go 1.27
