# The kitchen: pots, ingredients, peelings.
FROM alpine:3.22 AS kitchen

WORKDIR /kitchen
RUN echo "potatoes, leeks, salt" > ingredients.txt
RUN echo "the soup of the day: potato and leek" > soup.txt

# The table: an empty plate, and what is served on it.
FROM alpine:3.22 AS table

COPY --from=kitchen /kitchen/soup.txt /plate/soup.txt

USER 65532:65532
CMD ["cat", "/plate/soup.txt"]
