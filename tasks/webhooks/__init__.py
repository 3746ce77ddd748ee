"""Webhooks on their way out: events become messages, messages are signed, sent, tried again."""
