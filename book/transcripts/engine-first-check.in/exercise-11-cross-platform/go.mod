module example.com/birdbox

go 1.27
