"""The Graph API: one dispatcher (node, edge, method), one file a family of calls, every refusal in Meta's shape."""
