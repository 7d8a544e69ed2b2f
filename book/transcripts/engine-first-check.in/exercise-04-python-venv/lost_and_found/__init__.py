"""The lost property office: things that were found, by the number of their ticket."""
