FROM alpine:3.22 AS builder

WORKDIR /work
RUN dd if=/dev/zero of=compiler.bin bs=1M count=20
RUN echo "the program" > program.txt

FROM alpine:3.22 AS production

WORKDIR /work
COPY --from=builder /work/program.txt ./

USER 65532:65532
CMD ["cat", "program.txt"]
