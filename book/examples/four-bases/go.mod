module example.com/ringtone

go 1.27
