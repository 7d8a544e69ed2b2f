FROM node:24 AS builder

WORKDIR /app

COPY package.json package-lock.json ./
RUN npm ci

COPY . .
RUN npm run build

FROM nginx:1.26-alpine AS production

COPY --from=builder /app/dist /usr/share/nginx/html

EXPOSE 80
