"""Making the models whose landscape people look at: recipes, schedules, one trainer."""
