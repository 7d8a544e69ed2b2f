//! Which instruction of which line put which bytes into an image: layers matched with history and with the Dockerfile.
