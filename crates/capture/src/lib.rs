//! Trackway's recording side: recorder, schema injection, redaction, delivery.
