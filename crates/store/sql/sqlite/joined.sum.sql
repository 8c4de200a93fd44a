-- Session ?1 shows the sums of all its fragments. Primary keys and index session_head.
UPDATE session SET started_at = t.started_at, last_at = t.last_at, activity = t.activity, events = t.events, tool_calls = t.tool_calls,
  errors = t.errors, missing = t.missing, tokens_in = t.tokens_in, tokens_out = t.tokens_out, demo = t.demo
FROM (SELECT min(started_at) AS started_at, max(last_at) AS last_at, sum(activity) AS activity, sum(events) AS events, sum(tool_calls) AS tool_calls,
        sum(errors) AS errors, sum(missing) AS missing, sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out,
        sum(demo) AS demo
      FROM (SELECT started_at, last_at, activity, events, tool_calls, errors, missing, tokens_in, tokens_out, demo
            FROM session_own WHERE row = ?1
            UNION ALL SELECT started_at, last_at, abs(activity), events, tool_calls, errors, missing, tokens_in, tokens_out, demo
            FROM session WHERE head = ?1)) t
WHERE session.row = ?1 AND EXISTS (SELECT 1 FROM session_own WHERE row = ?1);
