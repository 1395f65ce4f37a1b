-- A sender's bucket: level (tokens), at (ms), and while the channel has it send slower: rate (the share of its own rate it was cut
-- to), slow (ms, when it is back at the whole), cut (ms, when it was cut last). Between, the share rises by UP a millisecond up to
-- the whole at `slow`: cut by halves, given back in equal steps. `rate` and `slow` mean the same to a version that does not rise.
local UP = 0.02 / 1000
local function bucket_now(offset)
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000) + offset
end
local function share_at(rate, slow, now)
  if slow <= now then return 1 end
  return math.min(1, math.max(rate, 1 - (slow - now) * UP))
end
