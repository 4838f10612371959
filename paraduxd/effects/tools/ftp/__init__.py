"""FTP: sessions, and answers of servers that have an end."""
