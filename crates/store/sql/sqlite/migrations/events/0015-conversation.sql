-- Which sessions carried which conversation handle of a client (as a number that stands for it): what a client takes for one
-- conversation may be several sessions. Sessions from before have none here.
CREATE TABLE session_conversation (
  conversation INTEGER NOT NULL,
  session      INTEGER NOT NULL,
  PRIMARY KEY (conversation, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_conversation_session ON session_conversation (session);
