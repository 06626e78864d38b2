//! What a server may send: what is left over is the end of it, and only the last piece is open.
#![no_main]

use libfuzzer_sys::fuzz_target;
use upward::canary::Canaries;
use upward::catalogue::CATALOGUE;
use upward_model::message::Command;

fuzz_target!(|data: &[u8]| {
    let canaries = Canaries::new(7);
    for entry in &CATALOGUE {
        let codec = entry.codec();
        // In the midst of a delivery, replies are steps.
        let begun = [
            (codec.client(), Some(Command::Deliver)),
            (codec.client_of_any_server(), None),
            (codec.client_of_any_server(), Some(Command::Hello)),
        ];
        for (mut client, first) in begun {
            let _ = first.map(|command| client.say(command, &canaries));
            for _ in 0..2 {
                let cut = client.cut(data);
                assert!(data.ends_with(&cut.rest));
                let open = cut.pieces.iter().filter(|piece| piece.is_fragment()).count();
                assert_eq!(open, usize::from(!cut.rest.is_empty()));
                if let Some((_, init)) = cut.pieces.split_last() {
                    assert!(init.iter().all(|piece| !piece.is_fragment()));
                }
                let _ = client.say(Command::Credential, &canaries);
            }
        }
    }
});
