"""The process that runs for ever and cannot even import the types that carry secrets."""
