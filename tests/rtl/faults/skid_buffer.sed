# A beat that finds the output stalled overwrites the one kept before.
s/else if \(in_valid_i & !skid_valid_q\)/else if (in_valid_i)/
