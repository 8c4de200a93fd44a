-- Who used what where; conditions follow. Index event_named alone, when nothing else is looked at.
SELECT e.tool, e.resource, e.session, e.person FROM event e INDEXED BY event_named
