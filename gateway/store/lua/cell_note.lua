--[[ cell_note: a cell of an area, or the order of an appointment, remembers what its later subscribers must be told, or that it is
over; and who follows it, for as long as that lasts.

One step, because an event that is taken up again late (its process was killed) must not bring back what a newer one ended: what is
over leaves its number behind, and nothing with a smaller one is written.

KEYS  1 j:J of the cell (hash)
ARGV  1 n of the event  2 keep (ms) at least; nothing that ends later is cut short  then pairs: field, sealed entry ('' = over)
RETURNS how many fields were written
--]]
local written = 0
for k = 3, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[k])
  local n = known and tonumber(string.match(known, '^(%d+)|')) or -1
  if tonumber(ARGV[1]) >= n then
    redis.call('HSET', KEYS[1], ARGV[k], ARGV[1] .. '|' .. ARGV[k + 1])
    written = written + 1
  end
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return written
