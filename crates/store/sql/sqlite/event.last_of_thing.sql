-- Start of the newest kept request of kind ?1 (4: resource_read, 7: prompt_get) for what has name ?2. The end of index event_resource.
SELECT max(started_at) FROM event INDEXED BY event_resource WHERE kind IN (4, 7) AND kind = ?1 AND resource = ?2;
