#!lua flags=allow-oom
--[[ lease: take, keep or give back the right to do one thing alone for a while.

One step, because who looks and then writes may overwrite somebody who took it in between. Taking what is already mine renews it,
so running twice is harmless. Runs when memory is full: work that makes room is done under leases.

KEYS  1 lease:NAME (string)
ARGV  1 take (free or mine), keep (mine only) or free  2 token  3 for how long (ms)
RETURNS 1 it is mine (or, for free, was), 0 it is not
--]]
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[2] and (holder or ARGV[1] ~= 'take') then return 0 end
if ARGV[1] == 'free' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
