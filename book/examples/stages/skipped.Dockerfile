FROM alpine:3.22 AS base
WORKDIR /work

FROM base AS tests
RUN echo "one test has failed" && exit 1

FROM base AS builder
RUN echo "the program" > program.txt

FROM base AS handbook
RUN echo "the handbook" > handbook.txt

FROM alpine:3.22 AS production
COPY --from=builder /work/program.txt /program.txt
USER 65532:65532
CMD ["cat", "/program.txt"]
