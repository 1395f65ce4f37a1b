--[[ fuse_state: a held event's own changes: it blew, so many were reached, it is discarded.

One step with what somebody may have decided meanwhile: a release is never overwritten by what was read before it.

KEYS  1 fuses (hash)
ARGV  1 E  2 what: blow, reach or discard  3 blow: entry (JSON); reach: people reached; discard: who  4 reach: cursor
RETURNS the entry as it is now (JSON), '' = there is none; discard of one that is released or gone: ''
--]]
local raw = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[2] == 'blow' then
  if raw then return raw end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  return ARGV[3]
end
if not raw then return '' end
local entry = cjson.decode(raw)
if ARGV[2] == 'reach' then
  entry.reached, entry.cursor = math.max(entry.reached, tonumber(ARGV[3])), ARGV[4]
else
  if entry.state == 'released' then return '' end
  entry.state, entry.by = 'discarded', ARGV[3]
end
raw = cjson.encode(entry)
redis.call('HSET', KEYS[1], ARGV[1], raw)
return raw
