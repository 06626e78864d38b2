//! What a client may send: cut into commands, byte by byte and all at once, it is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use upward::canary::Canaries;
use upward::catalogue::CATALOGUE;
use upward::codec::{Codec, Heard, Part};
use upward_model::message::Reply;

fuzz_target!(|data: &[u8]| {
    let canaries = Canaries::new(7);
    for entry in &CATALOGUE {
        let codec = entry.codec();
        let whole = heard(&*codec, &canaries, data, data.len().max(1));
        let single = heard(&*codec, &canaries, data, 1);
        assert_eq!(whole, single);
    }
});

/// What a persona hears that is given so many bytes at a time and refuses everything.
fn heard(codec: &dyn Codec, canaries: &Canaries, data: &[u8], step: usize) -> Vec<Heard> {
    let mut server = codec.server(canaries);
    let mut all = Vec::new();
    let mut buffer = Vec::new();
    for part in data.chunks(step) {
        buffer.extend_from_slice(part);
        while let Some(heard) = server.cut(&buffer) {
            assert!(heard.length > 0 && heard.length <= buffer.len());
            buffer.drain(..heard.length);
            match heard.part {
                Part::Whole => drop(server.say(Reply::Refuse, false)),
                Part::Step(reply) => drop(server.say(reply, false)),
                Part::Silent => {}
            }
            all.push(heard);
        }
    }
    let _ = (server.at_boundary(), server.challenges());
    server.reset();
    all
}
