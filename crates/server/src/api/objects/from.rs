//! The storage's answers as objects of the API.

use trackway_event::{Peer, Timestamp};
use trackway_store::query as q;
use trackway_store::{Intake, Quarantined};

use super::*;

fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|t| t.to_string())
}

pub(super) fn all<R, T>(rows: Vec<R>, object: impl FnMut(R) -> T) -> Vec<T> {
    rows.into_iter().map(object).collect()
}

impl From<Peer> for Program {
    fn from(peer: Peer) -> Self {
        Self { name: peer.name.into(), version: peer.version.map(Into::into) }
    }
}

impl From<q::CallFigures> for CallsObject {
    fn from(f: q::CallFigures) -> Self {
        Self {
            failed_share: f.failed_share(),
            calls: f.calls,
            finished: f.finished,
            failed: f.failed,
            p50_ms: f.p50_us.map(ms),
            p95_ms: f.p95_us.map(ms),
            p99_ms: f.p99_us.map(ms),
            tokens_in: f.tokens_in,
            tokens_out: f.tokens_out,
        }
    }
}

impl From<q::Totals> for TotalsObject {
    fn from(t: q::Totals) -> Self {
        Self {
            sessions: t.sessions,
            people: t.people,
            clients: t.clients,
            events: t.events,
            missing_reports: t.missing_reports,
            calls: t.calls.into(),
        }
    }
}

impl From<q::Bucket> for BucketObject {
    fn from(b: q::Bucket) -> Self {
        Self {
            start: b.start.to_string(),
            end: b.end.to_string(),
            sessions: b.sessions,
            calls: b.calls.into(),
        }
    }
}

impl From<q::ToolRow> for ToolObject {
    fn from(t: q::ToolRow) -> Self {
        Self {
            name: t.name,
            calls: t.calls.into(),
            sessions: t.sessions,
            people: t.people,
            last_at: time(t.last_at),
            first_at: time(t.first_at),
            signals: t.signals.map(Into::into),
            definition_tokens: t.definition_tokens,
            standing: t.standing.as_str(),
            content: t.content.map(Into::into),
        }
    }
}

impl From<q::ClientRow> for ClientObject {
    fn from(c: q::ClientRow) -> Self {
        Self {
            client: c.client.map(Into::into),
            sessions: c.sessions,
            calls: c.calls.into(),
            last_at: time(c.last_at),
        }
    }
}

impl From<q::Intents> for IntentsObject {
    fn from(i: q::Intents) -> Self {
        Self {
            items: i.rows.into_iter().map(Into::into).collect(),
            calls: i.calls,
            given: i.given,
            inherited: i.inherited,
            inferred: i.inferred,
            coverage: all(i.coverage, Into::into),
            partial: i.partial,
        }
    }
}

impl From<q::IntentRow> for IntentObject {
    fn from(i: q::IntentRow) -> Self {
        let (event, session) = i.newest;
        Self {
            phrase: i.phrase,
            phrases: i.phrases,
            calls: i.calls,
            finished: i.finished,
            failed: i.failed,
            recovered: i.recovered,
            sessions: i.sessions,
            tools: i.tools.into_iter().map(|(name, calls)| IntentToolObject { name, calls }).collect(),
            last_at: i.last_at.to_string(),
            newest_event: event.to_string(),
            newest_session: session.map(|s| s.to_string()),
        }
    }
}

impl From<q::IssueRow> for IssueObject {
    fn from(i: q::IssueRow) -> Self {
        Self {
            id: i.id,
            fingerprint: i.fingerprint,
            title: i.title,
            tool: i.tool,
            error_type: i.error_type,
            class: i.class.as_str().into(),
            events: i.events,
            sessions: i.sessions,
            people: i.people,
            first_seen: i.first_seen.to_string(),
            last_seen: i.last_seen.to_string(),
            since_version: i.since_version,
            state: i.state.as_str().into(),
            regressed_in: match i.state {
                q::State::Regressed(version) => version,
                q::State::New
                | q::State::Ongoing
                | q::State::Escalating
                | q::State::Resolved
                | q::State::Archived => None,
            },
            decision: i.decision.map(Into::into),
            assignee: i.assignee,
            recovery: i.recovery.map(Into::into),
        }
    }
}

impl From<trackway_store::Project> for ProjectObject {
    fn from(p: trackway_store::Project) -> Self {
        Self {
            id: p.id.to_string(),
            name: p.name,
            created_at: p.created_at.to_string(),
            aliases: p.aliases,
            demo: p.demo,
            last_event_at: time(p.last_event_at),
        }
    }
}

impl From<Intake> for IntakeObject {
    fn from(i: Intake) -> Self {
        Self {
            received: i.received(),
            stored: i.stored,
            duplicates: i.duplicates,
            dropped: i.dropped.into_iter().map(|(k, v)| (k.as_str().into(), v)).collect(),
            bodies_refused: i.bodies_refused,
            lost: i.lost,
        }
    }
}

impl From<Quarantined> for RefusedObject {
    fn from(r: Quarantined) -> Self {
        Self {
            id: r.id,
            at: r.at.to_string(),
            reason: r.reason.as_str().into(),
            explain: r.reason.explain().into(),
            project: r.project_text,
            route: r.route,
            user_agent: r.user_agent,
            bytes: r.bytes,
            events: r.events,
            replayable: r.replayable,
            preview: r.preview,
        }
    }
}

impl EventObject {
    /// A row of a project as an object.
    pub fn of(project: &str, row: q::EventRow) -> Self {
        Self {
            id: row.id.to_string(),
            project_id: project.into(),
            session_id: row.session_id.map(|s| s.to_string()),
            session_source: row.session_source.map(|s| s.as_str().into()),
            kind: row.kind.as_str().into(),
            status: row.status.map(|s| s.as_str().into()),
            tool: row.tool,
            resource: row.resource,
            intent: row.intent,
            intent_source: row.intent_source.map(|s| s.as_str().into()),
            started_at: row.started_at.to_string(),
            duration_ms: row.duration_us.map(ms),
            actor: row.actor.map(|a| ActorObject {
                id: a.id.to_string(),
                name: a.name,
                attributed: row.attributed.map(|a| a.as_str().into()),
            }),
            client: row.client.map(Into::into),
            server: row.server.map(Into::into),
            error: row.error.map(|e| ErrorObject { r#type: e.kind, message: e.message }),
            input: row.input.as_str().into(),
            notes: row.notes,
        }
    }
}

impl EventDetailObject {
    /// An event in full as an object.
    pub fn of(project: &str, detail: q::EventDetail) -> Self {
        let error_ref = detail.row.error.clone();
        let tokens = detail.row.tokens.unwrap_or_default();
        Self {
            received_at: detail.received_at.to_string(),
            arguments: detail.arguments,
            result: detail.result,
            request_meta: detail.request_meta,
            transport: detail.transport,
            properties: detail.properties,
            raw: detail.raw,
            error_detail: detail.error.and_then(|e| serde_json::to_value(e).ok()),
            error_code: detail.error_code,
            issue: error_ref.as_ref().and_then(|e| e.issue),
            error_class: error_ref.map(|e| e.class.as_str().into()),
            tags: detail.tags,
            groups: detail.groups,
            protocol_version: detail.protocol_version,
            sdk: detail.sdk.map(Into::into),
            model: detail.model,
            conversation_id: detail.conversation_id,
            call: detail.call.map(|call| CallObject::from(*call)),
            tokens_in: tokens.input,
            tokens_out: tokens.output,
            tokens_estimated: tokens.estimated,
            event: EventObject::of(project, detail.row),
        }
    }
}

impl SessionObject {
    /// A row of a project as an object.
    pub fn of(project: &str, row: q::SessionRow) -> Self {
        Self {
            project_id: project.into(),
            session_source: row.source.as_str().into(),
            started_at: row.started_at.to_string(),
            last_event_at: row.last_event_at.to_string(),
            duration_ms: row.duration_us() as f64 / 1_000.0,
            id: row.id.to_string(),
            actor: row.actor.map(|a| SessionActor {
                id: a.id.to_string(),
                name: a.name,
                properties: row.traits,
            }),
            client: row.client.map(Into::into),
            server: row.server.map(Into::into),
            events: row.events,
            tool_calls: row.tool_calls,
            errors: row.errors,
            missing_reports: row.missing_reports,
            tokens: row.tokens,
            context_tokens: row.context,
            ending: row.ending.map(|e| e.as_str().into()),
            attempts: row.attempts.into(),
            first_success_call: row.first_success.map(|f| f.call),
            first_success_ms: row.first_success.map(|f| ms(f.after_us)),
            why: all(row.why, |w| w.to_string()),
            intents: row.intents,
            goal: None,
            merged_from: all(row.merged_from, |id| id.to_string()),
            joined: all(row.joined, Into::into),
        }
    }
}

impl OverviewObject {
    /// The overview of a project's period as an object.
    pub fn of(project: &str, period: q::Period, o: q::Overview) -> Self {
        let event = |row| EventObject::of(project, row);
        Self {
            from: period.from.to_string(),
            to: period.to.to_string(),
            now: o.now.into(),
            before: o.before.map(Into::into),
            series: all(o.series, Into::into),
            sightings: all(o.sightings, Into::into),
            tools: all(o.tools, Into::into),
            clients: all(o.clients, Into::into),
            issues: all(o.issues, Into::into),
            intents: all(o.intents, event),
            missing: all(o.missing, event),
            worth_a_look: all(o.worth_a_look, |row| SessionObject::of(project, row)),
            signals: o.signals.into(),
            listing: o.listing.map(Into::into),
            events_ever: o.events_ever,
            last_event_at: time(o.last_event_at),
            partial: o.partial,
        }
    }
}

impl ToolDetailObject {
    /// A tool of a project in full as an object.
    pub fn of(project: &str, tool: q::ToolDetail) -> Self {
        Self {
            tool: tool.row.into(),
            series: all(tool.series, Into::into),
            sightings: all(tool.sightings, Into::into),
            issues: all(tool.issues, Into::into),
            clients: all(tool.clients, Into::into),
            samples: all(tool.samples, |row| EventObject::of(project, row)),
            last_ever: time(tool.last_ever),
            neighbours: tool.neighbours.into(),
            arguments: tool.arguments.into(),
            closely: CloselyObject::of(project, tool.closely),
            story: tool.story.into(),
        }
    }
}

impl IssueDetailObject {
    /// An error group of a project in full as an object.
    pub fn of(project: &str, issue: q::IssueDetail) -> Self {
        Self {
            issue: issue.row.into(),
            series: all(issue.series, Into::into),
            sightings: all(issue.sightings, Into::into),
            sample_message: issue.sample_message,
            samples: all(issue.samples, |row| EventObject::of(project, row)),
            recent_sessions: all(issue.sessions, |row| SessionObject::of(project, row)),
            members: all(issue.members, Into::into),
            history: all(issue.history, Into::into),
            suspects: all(issue.suspects, Into::into),
            just_before: all(issue.before, Into::into),
            variants: issue.variants.into(),
            mended: issue.mended.into(),
            out_of: issue.out_of.map(Into::into),
            taken_out: all(issue.taken_out, Into::into),
        }
    }
}
