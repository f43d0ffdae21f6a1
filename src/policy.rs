//! `ShutdownPolicy`, the custom resource, and its way into the engine.
