//! The admission protocol: an AdmissionReview in, an answer out.
