# The pipeline goes on for a clock when its reader stops.
s/\(room & !taken\)/room/
