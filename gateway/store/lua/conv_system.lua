--[[ conv_system: what a conversation goes through without an agent: a person is needed, nobody is any more, an answer failed.

One step with the epoch where the caller has one: what automation decided under another one is dropped.

An answer may fail weeks later: where the person has begun another conversation since, the old one stays resolved, for there is
never more than one unresolved of a contact, brand and address.

KEYS  1 cv:V  2 ct:V  3 facts  4 vd  5 vo  6 co:C:hash  7 vs:C  8 dr:V
ARGV  1 offset (ms)  2 V  3 epoch seen ('' any)  4 ask (automated: into a queue), close (automated or queued: done),
        again (resolved: into its queue, to its last agent if they are here)
      5 why, or by whom it is done  6 queue ('' its own)  7 why it goes first ('' not)  8 by how much (s)  9 keep resolved (ms)
      10 for how long after it was done its last agent is theirs (ms)
RETURNS 1 done | 0 it stood otherwise
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv or (ARGV[3] ~= '' and conv.ep ~= ARGV[3]) then return 0 end
local what = ARGV[4]
local from = ({ask = 'automated', close = 'automated queued', again = 'resolved'})[what]
if not string.find(' ' .. from .. ' ', ' ' .. conv.st .. ' ', 1, true) then return 0 end
if what == 'again' and redis.call('GET', KEYS[6]) ~= ARGV[2] then return 0 end
local now = now_of(KEYS[3], tonumber(ARGV[1]))
local stood, changes, kind, detail = conv.q, {}, 'resolved', 'by=' .. ARGV[5]
if what == 'close' then
  to_resolved(conv, changes, now, ARGV[5])
else
  to_queue(conv, changes, now)
  if ARGV[6] ~= '' then changes.q = ARGV[6] end
  boosted(conv, changes, ARGV[7], ARGV[8])
  if what == 'again' then
    if now - tonumber(conv.res) <= tonumber(ARGV[10]) then changes.stk = conv.own end
    reopen(conv, changes)
  end
  kind, detail = what == 'ask' and 'queued' or 'reopened', 'why=' .. ARGV[5]
end
conv_write(KEYS[1], KEYS[4], KEYS[5], ARGV[2], conv, changes)
fact(KEYS[3], now, kind, ARGV[2] .. ' ' .. conv.c, detail .. stands(conv, stood))
conv_keep({KEYS[1], KEYS[2], KEYS[6], KEYS[7]}, conv.st == 'resolved', ARGV[9])
if conv.st == 'resolved' then conv_keep({KEYS[8]}, true, ARGV[9]) end
return 1
