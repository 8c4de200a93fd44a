module trackway-tests

go 1.19

require github.com/posthog/posthog-go v1.5.2
