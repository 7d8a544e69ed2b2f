module example.com/wishwell

go 1.27
