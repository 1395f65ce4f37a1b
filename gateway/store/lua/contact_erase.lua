#!lua flags=allow-oom
--[[ contact_erase: everything of a marked contact in its partition goes, its data key with it.

One step, because a lane without its record, or a subscription without its contact, would be taken up by somebody.
Messages still in a lane are withdrawn and keep their header, so that `trace` can say why; one that is leased or unsure
stays, for its bytes may be on the wire: its body is sealed under a key that is gone, and its own settle ends it. A mark
stays in f:C, without anything else, so that work begun before the erasure cannot bring the contact back. Runs when
memory is full: it makes room.

KEYS  1 facts (stream)  2 erase (zset)  3 all (zset)  4 f:C (hash)  5 c:C  6 k:C  7 led:C  8 cs:C  9 told:C
      then su:J of each subscription, then 11 lane keys of each sender, then m:M of each message in a lane
ARGV  1 offset (ms)  2 C  3 plan (JSON): subs n, senders n, tau [ms a sender], ttl ms, messages [{s sender#, m member}]
RETURNS how many messages were withdrawn, -1 when the contact is not marked
--]]
-- include base
-- include lane
-- include message
local marked = redis.call('HGET', KEYS[4], 'erasing')
if not marked then return -1 end
local now = now_of(KEYS[1], tonumber(ARGV[1]))
local contact = ARGV[2]
local plan = cjson.decode(ARGV[3])
local first_lane = 10 + plan.subs
local first_message = first_lane + plan.senders * 11
local withdrawn = 0
for i, item in ipairs(plan.messages) do
  local set = lane_set(first_lane + (item.s - 1) * 11)
  local key, mid = KEYS[first_message + i - 1], message_of(item.m)
  local a = string.sub(item.m, 1, 16)
  local lane = lane_load(set.lane, a)
  if lane.out ~= mid and not is_unsure(lane, mid) then
    redis.call('ZREM', set.q, item.m)
    redis.call('ZREM', set.later, item.m)
    local header = message_read(key)
    if header and header[STATE] == 'q' then
      header[STATE], header[REASON] = 's', 'erasing'
      message_write(key, header, '', plan.ttl)
      fact(KEYS[1], now, 'suppressed', message_ids(header, mid), 'nt=' .. header[NOTIFICATION] .. ' reason=erasing')
      withdrawn = withdrawn + 1
    end
    place(set, a, lane, now, plan.tau[item.s])
  end
end
for k = 10, first_lane - 1 do redis.call('ZREM', KEYS[k], contact) end
redis.call('ZREM', KEYS[3], contact)
local there = redis.call('EXISTS', KEYS[5]) == 1 -- done again, it is no second erasure
redis.call('DEL', KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[4])
redis.call('HSET', KEYS[4], 'erasing', marked)
if there then fact(KEYS[1], now, 'erased', contact, '') end
return withdrawn
