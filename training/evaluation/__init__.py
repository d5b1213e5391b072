"""What `evaluate` is made of: clips (what is asked), hearing (what is heard), measures (what it comes to), parity (the twin
beside the product), files (the command line program), report (tables)."""
