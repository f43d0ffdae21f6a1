# The image that `cargo xtask image` makes without Docker, from the same programs.
FROM rust:1.95-bookworm AS build
WORKDIR /softstop
COPY . .
RUN cargo xtask image --files /image

FROM scratch
COPY --from=build /image/ /
# By number: the kubelet cannot tell that a user given by name is not root.
USER 65532:65532
ENTRYPOINT ["/softstop"]
