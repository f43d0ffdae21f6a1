//! What a container runs, as far as the pod and the image facts tell.

mod profile;
