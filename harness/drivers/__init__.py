"""The drivers: each power beside its mender. The only importers of client libraries of engines and proxies."""
