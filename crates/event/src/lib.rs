//! Trackway's wire model: events, ids, times, limits, outcomes.
