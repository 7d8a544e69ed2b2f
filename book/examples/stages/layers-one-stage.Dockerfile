FROM alpine:3.22

WORKDIR /work
RUN dd if=/dev/zero of=compiler.bin bs=1M count=20
RUN echo "the program" > program.txt
RUN rm compiler.bin

USER 65532:65532
CMD ["cat", "program.txt"]
