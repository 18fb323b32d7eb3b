"""What a roleplay is: pure values and rules. No I/O, no clock, no model, no screen."""
