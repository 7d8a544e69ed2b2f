FROM alpine
ENV API_TOKEN=hunter2
CMD echo hi
