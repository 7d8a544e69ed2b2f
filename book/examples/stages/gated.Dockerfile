FROM alpine:3.22 AS base
WORKDIR /work

FROM base AS tests
RUN echo "all tests have passed" > report.txt

FROM base AS builder
RUN echo "the program" > program.txt

FROM base AS handbook
RUN echo "the handbook" > handbook.txt

FROM alpine:3.22 AS production
COPY --from=tests /work/report.txt /report.txt
COPY --from=builder /work/program.txt /program.txt
USER 65532:65532
CMD ["cat", "/program.txt"]
