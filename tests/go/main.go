// The published PostHog SDK for Go, used as an application would: two users, one of them named late, a group, an alias, custom
// events and an exception. Started by tests/tests/published.rs.
package main

import (
	"fmt"
	"os"

	"github.com/posthog/posthog-go"
)

func main() {
	config := posthog.Config{Endpoint: os.Getenv("POSTHOG_HOST")}
	client, err := posthog.NewWithConfig(os.Getenv("POSTHOG_API_KEY"), config)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	session := posthog.NewProperties().Set("$session_id", "ses-go-1").Set("$lib", "posthog-go")
	messages := []posthog.Message{
		posthog.Capture{DistinctId: "anon-1", Event: "opened", Properties: session},
		posthog.Identify{DistinctId: "u_go", Properties: posthog.NewProperties().Set("name", "Gero Go").Set("plan", "team")},
		posthog.Alias{DistinctId: "u_go", Alias: "anon-1"},
		posthog.GroupIdentify{Type: "organization", Key: "acme", Properties: posthog.NewProperties().Set("name", "Acme")},
		posthog.Capture{
			DistinctId: "u_go", Event: "$mcp_tool_call", Groups: posthog.NewGroups().Set("organization", "acme"),
			Properties: posthog.NewProperties().Set("$session_id", "ses-go-1").Set("$mcp_tool_name", "search").
				Set("$mcp_intent", "find a tent").Set("$mcp_duration_ms", 12).Set("$mcp_client_name", "claude-code"),
		},
		posthog.Capture{DistinctId: "u_go", Event: "paid", Properties: posthog.NewProperties().Set("amount", 42)},
	}
	for _, message := range messages {
		if err := client.Enqueue(message); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := client.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
