"""What tests are made with: machines, servers, families, and waiting for them."""
