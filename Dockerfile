# syntax=docker/dockerfile:1
# One image for api, worker, migrate and the command line.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/guiling ./cmd/guiling \
    # Folders that the product writes to; a new volume takes their owner over.
    && mkdir -p /out/var/lib/guiling/keys /out/tmp

# Nothing but the program: no shell, no package manager, nothing to patch.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=10001:10001 /out/tmp /tmp
COPY --from=build --chown=10001:10001 /out/var/lib/guiling /var/lib/guiling
COPY --from=build /out/guiling /usr/local/bin/guiling
USER 10001:10001
ENV GUILING_HTTP_ADDR=0.0.0.0:8080
EXPOSE 8080
# For the api, which is the default. A worker is asked at its own address.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=6 \
    CMD ["/usr/local/bin/guiling", "healthcheck", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["/usr/local/bin/guiling"]
CMD ["api"]
